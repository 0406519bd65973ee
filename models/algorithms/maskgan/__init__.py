"""MaskGAN: filling in the blanks (Fedus, Goodfellow, Dai, ICLR 2018), arXiv:1801.07736."""
