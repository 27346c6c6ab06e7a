//! What the documents, the scripts and the contract say is what the project does.

mod citations;
mod contract;
mod error_codes;
mod scripts;
mod state_docs;
