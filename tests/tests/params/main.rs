//! Params and who sets them, in process.

mod admins;
mod attacks;
mod extremes;
mod params;
mod upgrades;
