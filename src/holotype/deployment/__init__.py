"""What is to run: deployment files and stores, read into frozen records."""

from holotype.deployment.document import Deployment
from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError, Problem
from holotype.deployment.reading import read_text
from holotype.deployment.snapshots import DeploymentSourceError
from holotype.deployment.sources import Loaded, load_deployment, open_source
from holotype.deployment.watching import Watch, look_again_on_hangup
from holotype.deployment.writing import to_yaml

__all__ = [
    "Deployment",
    "DeploymentError",
    "DeploymentSourceError",
    "LastGood",
    "Loaded",
    "Problem",
    "Watch",
    "load_deployment",
    "look_again_on_hangup",
    "open_source",
    "read_text",
    "to_yaml",
]
