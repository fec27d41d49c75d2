"""What one model takes, as a JSON Schema with a valid sample for each way of asking. Pure."""

from videos.capabilities.document import MEDIA_TYPE, document
from videos.capabilities.modes import Mode, modes_of, sample
from videos.capabilities.unexpressed import UNEXPRESSED

__all__ = ["MEDIA_TYPE", "UNEXPRESSED", "Mode", "document", "modes_of", "sample"]
