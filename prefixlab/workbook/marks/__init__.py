"""Marks: which checks pass in the notebooks of a class, as CSV.

`python -m prefixlab.workbook.marks FOLDER` looks through a folder of learners' notebooks. What a
learner gave to a check is evaluated anew, with as much of the notebook as it needs (`answers.py`),
and weighed by the checks of this package (`marking.py`), in a process of its own (`apart.py`): the
outputs that a notebook was stored with count for nothing.
"""
