from .registration import Registered as Registered
from .registration import register as register
