"""What the shop holds before the traffic begins."""

from .content import Seeder
from .words import PEOPLE

__all__ = ["PEOPLE", "Seeder"]
