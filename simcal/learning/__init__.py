"""Traders with preferences of their own who learn one shared policy in an order-book market.

>>> from simcal.learning import PpoSettings, arm, evaluate, load_market, train
>>> market = arm(load_market("book-learning"), "both")
>>> trained = train(market, PpoSettings(iterations=20), seed=1)    # doctest: +SKIP
>>> episodes = evaluate(trained, 100, seed=2)                      # doctest: +SKIP

`LearningMarket` describes the market, `PpoSettings` the training. What is imported from here loads PyTorch and Numba.
"""

from simcal.learning.evaluate import Episodes as Episodes
from simcal.learning.evaluate import evaluate as evaluate
from simcal.learning.learned import LearnedMarket as LearnedMarket
from simcal.learning.learned import load_learned as load_learned
from simcal.learning.market import ACTIONS as ACTIONS
from simcal.learning.market import ARMS as ARMS
from simcal.learning.market import FEATURES as FEATURES
from simcal.learning.market import LearningMarket as LearningMarket
from simcal.learning.market import arm as arm
from simcal.learning.market import load_market as load_market
from simcal.learning.market import market_names as market_names
from simcal.learning.play import Activity as Activity
from simcal.learning.settings import PpoSettings as PpoSettings
from simcal.learning.train import tensorboard as tensorboard
from simcal.learning.train import train as train
from simcal.learning.trained import TrainedMarket as TrainedMarket
from simcal.learning.trained import load_trained as load_trained
