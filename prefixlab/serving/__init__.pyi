from . import ensembles as ensembles
