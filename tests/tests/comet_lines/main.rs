//! Both lines of CometBFT: the pinned one is that of all other tests; here is the other one, and a network's
//! change from one to the other.

mod change;
mod newer;
