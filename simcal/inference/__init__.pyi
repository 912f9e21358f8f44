from .filtering import Filtered as Filtered
from .filtering import filter as filter
from .forecast import Forecast as Forecast
from .forecast import forecast as forecast
from .track import Tracked as Tracked
from .track import track as track
