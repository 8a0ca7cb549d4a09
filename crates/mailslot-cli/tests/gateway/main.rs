//! Computers that belong together: real gateways, and the commands that use them. On loopback each
//! computer is a directory of slots and one of configuration; in network namespaces it is one.
#![cfg(feature = "gateway")]

mod loopback;
mod namespaces;
mod util;
