//! The REST contract of an AIT node (PROTOCOL section 9), for those who answer it and for those who ask.
//!
//! Owns what travels: requests and answers as types, refusals as codes, routes as constants, and the
//! OpenAPI document that is made from them. It knows no HTTP server and no HTTP client, and decides
//! nothing.
//!
//! Map: [`error`], [`tx`], [`fees`], [`blocks`], [`accounts`], [`params`], [`validators`], [`node`] and [`admin`] hold the
//! requests and answers of a group of routes; [`proof`] what `?prove=true` adds; [`records`] and [`payloads`]
//! how the chain's own records and payloads look as JSON; [`schema`] the kinds of values; [`routes`] the table
//! of all routes; [`document`] the OpenAPI document.
#![warn(missing_docs)]

pub mod accounts;
pub mod admin;
pub mod blocks;
pub mod document;
pub mod error;
pub mod fees;
pub mod node;
pub mod params;
pub mod payloads;
pub mod proof;
pub mod records;
pub mod routes;
pub mod schema;
pub mod tx;
pub mod validators;
