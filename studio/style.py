"""The style sheets that `studio.theme` fills in: `$name` is a colour of its table, `7~` a scaled number of pixels."""

SHEET = """
QToolTip { background: $panel; color: $ink; border: 1px solid $hairline; padding: 4~ 8~; font-size: 12~; }
QMainWindow, QDialog { background: $window; }
QFrame[kind="stage"] { background: $stage; border: none; }
QFrame[kind="panel"] { background: $panel; border: none; }
QFrame[kind="rail"] { background: $panel; border: none; border-right: 1px solid $hairline; }
QFrame[kind="header"] { background: $panel; border: none; border-bottom: 1px solid $hairline; }
QFrame[kind="transport"] { background: $panel; border: none; border-top: 1px solid $hairline; }
QFrame[kind="side"] { background: $panel; border: none; border-left: 1px solid $hairline; }
QFrame[kind="card"] { background: $panel; border: 1px solid $hairline; border-radius: 8~; }
QFrame[kind="over"] { background: $panel; border: 1px solid $edge; border-radius: 8~; }
QLineEdit[kind="palette"] { border: none; border-bottom: 1px solid $hairline; border-radius: 0; background: transparent; font-size: 15~;
  padding: 0 14~; min-height: 44~; }
QFrame[kind="error"] { background: $panel; border: 1px solid $hairline; border-left: 3px solid $bad; border-radius: 8~; }
QFrame[kind="warning"] { background: $panel; border: 1px solid $hairline; border-left: 3px solid $warn; border-radius: 8~; }
QFrame[kind="band"] { background: $panel; border: none; border-bottom: 1px solid $hairline; border-left: 3px solid $warn; }
QFrame[kind="line"] { background: $hairline; border: none; max-height: 1px; min-height: 1px; }
QFrame[kind="drop"] { background: transparent; border: 1px dashed $edge; border-radius: 8~; }

QLabel { background: transparent; }
QLabel[kind="title"] { font-size: 18~; font-weight: 600; }
QLabel[kind="section"] { font-size: 12~; font-weight: 600; color: $muted; }
QLabel[kind="strong"] { font-weight: 600; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="caption"] { font-size: 11~; color: $muted; }
QLabel[kind="bad"] { font-size: 11~; color: $bad; }
QLabel[kind="warn"] { font-size: 11~; color: $warn; }
QLabel[kind="good"] { font-size: 11~; color: $good; }
QLabel[kind="readout"] { font-size: 22~; font-weight: 600; }
QLabel[kind="readout"][tone="warn"] { color: $warn; }
QLabel[kind="words"] { font-size: 22~; }
QLabel[kind="key"] { font-size: 11~; color: $ink; background: $window; border: 1px solid $edge; border-radius: 4~; padding: 1~ 5~; }

QPushButton { background: $panel; color: $ink; border: 1px solid $edge; border-radius: 6~; padding: 0 11~; min-height: 26~; icon-size: 16~; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $press; }
QPushButton:disabled { color: $edge; border-color: $hairline; background: $panel; }
QPushButton::menu-indicator { image: $down; width: 14~; subcontrol-origin: padding; subcontrol-position: center right; right: 6~; }
QPushButton[kind="quiet"], QToolButton { background: transparent; color: $ink; border: 1px solid transparent; border-radius: 6~;
  padding: 0 5~; min-height: 26~; }
QPushButton[kind="quiet"]:hover, QToolButton:hover { background: $hover; }
QPushButton[kind="quiet"]:pressed, QPushButton[kind="quiet"]:checked, QToolButton:pressed, QToolButton:checked { background: $press; }
QPushButton[kind="quiet"]:disabled, QToolButton:disabled { color: $edge; border-color: transparent; background: transparent; }
QToolButton[kind="small"] { min-height: 18~; max-height: 18~; padding: 0 4~; font-size: 11~; color: $muted; border-radius: 4~; }
QToolButton::menu-indicator { image: none; }
QToolButton[kind="rail"] { color: $muted; font-size: 11~; border: none; border-radius: 0; border-left: 3px solid transparent;
  padding: 6~ 3~ 6~ 0; min-height: 40~; }
QToolButton[kind="rail"]:hover { background: $hover; color: $ink; }
QToolButton[kind="rail"][tight="true"] { padding: 1~ 3~ 1~ 0; min-height: 0; }
QPushButton[kind="quiet"][tone="warn"] { color: $warn; }
QPushButton[kind="big"] { min-height: 42~; min-width: 172~; }
QPushButton[kind="segment"] { border-radius: 0; border: 1px solid $edge; margin-left: -1px; padding: 0 7~; min-width: 12~; }
QPushButton[kind="segment"][place="first"] { border-top-left-radius: 6~; border-bottom-left-radius: 6~; margin-left: 0; }
QPushButton[kind="segment"][place="last"] { border-top-right-radius: 6~; border-bottom-right-radius: 6~; }
QPushButton[kind="segment"]:checked { background: $press; font-weight: 600; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox { background: $field; color: $ink; border: 1px solid $edge;
  border-radius: 6~; padding: 0 7~; }
QLineEdit, QAbstractSpinBox, QComboBox { min-height: 26~; }
QPlainTextEdit, QTextEdit { padding: 4~ 7~; }
QLineEdit[kind="value"] { min-width: 68~; max-width: 68~; }
QLineEdit[state="bad"] { border: 2px solid $bad; padding: 0 6~; min-height: 24~; color: $bad; }
QLineEdit[kind="value"][state="bad"] { min-width: 68~; max-width: 68~; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $edge; border-color: $hairline; }
QComboBox { padding: 0 4~ 0 8~; combobox-popup: 0; }
QComboBox:hover, QAbstractSpinBox:hover, QLineEdit:hover { border-color: $muted; }
QComboBox:on { background: $field; }
QComboBox::drop-down { subcontrol-origin: padding; subcontrol-position: center right; width: 22~; border: none; background: transparent; }
QComboBox::down-arrow { image: $down; width: 14~; height: 14~; }
QComboBox::down-arrow:disabled { image: $down_off; }
QComboBox QAbstractItemView { background: $panel; color: $ink; border: 1px solid $edge; padding: 4~; outline: 0; }
QComboBox QAbstractItemView::item { min-height: 26~; padding: 0 6~; border-radius: 4~; }
QAbstractSpinBox { padding: 0 2~ 0 7~; }
QAbstractSpinBox QLineEdit { border: none; background: transparent; padding: 0 0 0 4~; min-height: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: padding; width: 18~; border: none; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; height: 13~; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; height: 13~; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; border-radius: 4~; }
QAbstractSpinBox::up-arrow { image: $up; width: 10~; height: 10~; }
QAbstractSpinBox::down-arrow { image: $down; width: 10~; height: 10~; }

QCheckBox, QRadioButton { spacing: 8~; background: transparent; min-height: 26~; }
QCheckBox:disabled, QRadioButton:disabled { color: $edge; }
QCheckBox::indicator { width: 14~; height: 14~; border: 1px solid $edge; border-radius: 4~; background: $field; }
QRadioButton::indicator { width: $handle; height: $handle; border: 2px solid $edge; border-radius: $round; background: $field; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $muted; }

QSlider { background: transparent; min-height: 20~; }
QSlider::groove:horizontal { height: $bar; border-radius: $half_bar; background: $hairline; }
QSlider::add-page:horizontal { background: $hairline; border-radius: $half_bar; }
QSlider::handle:horizontal { width: $handle; margin: $over 0; border-radius: $round; background: $panel; border: 2px solid $edge; }
QSlider::handle:horizontal:disabled { border-color: $hairline; }
QSlider::sub-page:horizontal:disabled { background: $hairline; }

QProgressBar { background: $hairline; border: none; border-radius: $half_bar; min-height: $bar; max-height: $bar; text-align: center; }

QScrollArea, QAbstractScrollArea[kind="clear"] { background: transparent; border: none; }
QScrollArea > QWidget > QWidget[kind="clear"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10~; margin: 0; border: none; }
QScrollBar:horizontal { background: transparent; height: 10~; margin: 0; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar::handle { background: $hairline; border-radius: 3~; margin: 2~; }
QScrollBar::handle:vertical { min-height: 28~; }
QScrollBar::handle:horizontal { min-width: 28~; }
QScrollBar::handle:hover { background: $edge; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none; width: 0; height: 0; }

QMenu { background: $panel; color: $ink; border: 1px solid $hairline; padding: 4~; }
QMenu::item { padding: 5~ 24~ 5~ 10~; border-radius: 4~; background: transparent; }
QMenu::item:disabled { color: $edge; }
QMenu::icon { padding-left: 6~; }
QMenu::indicator { width: 14~; height: 14~; padding-left: 6~; }
QMenu::indicator:checked { image: $check_menu; }
QMenu::separator { height: 1px; background: $hairline; margin: 4~ 8~; }
QMenuBar { background: $panel; color: $ink; }
QMenuBar::item { padding: 4~ 10~; background: transparent; border-radius: 4~; }
QMenuBar::item:selected { background: $hover; }

QTabWidget::pane { border: none; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent; padding: 5~ 2~; margin-right: 16~; }
QTabBar::tab:hover { color: $ink; }

QListView, QTableView, QTreeView { background: $panel; color: $ink; border: 1px solid transparent; border-radius: 6~; outline: 0;
  alternate-background-color: $window; }
QListView::item, QTreeView::item { padding: 2~ 4~; border-radius: 4~; }
QListView::item:hover, QTreeView::item:hover { background: $hover; color: $ink; }
QTableView { gridline-color: $hairline; }
QTableView[kind="numbers"]::item { padding: 0 8~; }
QHeaderView { background: transparent; }
QHeaderView::section { background: $panel; color: $muted; border: none; border-bottom: 1px solid $hairline; padding: 4~ 8~; font-size: 11~; }
QSplitter::handle { background: transparent; }
QStatusBar { background: $panel; color: $muted; }
"""

ACCENT_SHEET = """
QPushButton[kind="primary"] { background: $accent; color: $on; border: 1px solid $accent; font-weight: 600; padding: 0 13~; }
QPushButton[kind="primary"]:hover { background: $lift; }
QPushButton[kind="primary"]:disabled { background: $hairline; color: $muted; border-color: $hairline; }
QPushButton[kind="primary"]:focus { border: 2px solid $ink; padding: 0 12~; min-height: 24~; }
QPushButton:focus { border: 2px solid $accent; padding: 0 10~; min-height: 24~; }
QPushButton[kind="quiet"]:focus, QToolButton:focus { border: 2px solid $accent; padding: 0 4~; min-height: 24~; }
QToolButton[kind="small"]:focus { min-height: 16~; max-height: 16~; padding: 0 3~; }
QPushButton[kind="segment"]:focus { border: 2px solid $accent; padding: 0 6~; min-width: 12~; min-height: 24~; }
QToolButton[kind="rail"]:checked { background: $tint; color: $ink; border-left: 3px solid $accent; }
QToolButton[kind="rail"][tight="true"]:focus { border: 2px solid $accent; border-left: 3px solid $accent; padding: 0 1px 0 0; min-height: 0; }
QToolButton[kind="rail"]:focus { border: 2px solid $accent; border-left: 3px solid $accent; padding: 4~ 1px 4~ 0; min-height: 40~; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QComboBox:on { border: 2px solid $accent; min-height: 24~; }
QLineEdit:focus { padding: 0 6~; }
QLineEdit[kind="palette"]:focus { border: none; border-bottom: 1px solid $hairline; padding: 0 14~; min-height: 44~; }
QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $accent; padding: 3~ 6~; }
QAbstractSpinBox:focus { padding: 0 1~ 0 6~; }
QComboBox:focus, QComboBox:on { padding: 0 3~ 0 7~; }
QLineEdit, QPlainTextEdit, QTextEdit { selection-background-color: $select; selection-color: $ink; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: $check; }
QCheckBox::indicator:focus { width: 12~; height: 12~; border: 2px solid $accent; }
QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked:focus, QRadioButton::indicator:checked:focus { border: 2px solid $ink; }
QCheckBox::indicator:indeterminate { background: $accent; border-color: $accent; image: $dash; }
QRadioButton::indicator:checked { border-color: $accent; background: $accent; image: $dot; }
QSlider::sub-page:horizontal { background: $accent; border-radius: $half_bar; }
QSlider::handle:horizontal { border-color: $accent; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:pressed { background: $accent; }
QSlider::handle:horizontal:focus { background: $accent; border-color: $ink; }
QProgressBar::chunk { background: $accent; border-radius: $half_bar; }
QTabBar::tab:selected { color: $ink; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:focus { color: $accent; }
QMenu::item:selected { background: $tint; color: $ink; }
QComboBox QAbstractItemView { selection-background-color: $tint; selection-color: $ink; }
QComboBox QAbstractItemView::item:selected { background: $tint; color: $ink; }
QListView:focus, QTableView:focus, QTreeView:focus { border: 2px solid $accent; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected { background: $tint; color: $ink; }
"""
