"""A project folder and what can be done with it; every face sits on `Project`."""

from osiris.project.discover import Discovered
from osiris.project.doctor import DoctorReport
from osiris.project.folder import Compiled
from osiris.project.project import Project

__all__ = ["Compiled", "Discovered", "DoctorReport", "Project"]
