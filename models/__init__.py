"""Generative adversarial models and samplers, torch only.

    contract    what an algorithm, its State, Info, View and Commands are
    knobs       Config and Knobs: every setting described once
    catalog     the one list: name -> algorithm, data source
    run         train(), walk(): the two generators; Run: a recorded training
    journal     a run on disk
    checkpoint  State <-> one safetensors file
    errors      everything that can be raised for a user to read

Usable from a script or a notebook by itself; it never imports Qt.
"""
