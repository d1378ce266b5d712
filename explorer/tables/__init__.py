"""Column names of all tables that are shown, stored and exported, a file for each subject."""

from explorer.tables.blocks import *
from explorer.tables.evaluation import *
from explorer.tables.landscape import *
from explorer.tables.layers import *
from explorer.tables.maps import *
from explorer.tables.networks import *
from explorer.tables.probes import *
from explorer.tables.runs import *
