//! The gateway: what carries records between mailslots of different computers.
//!
//! A tour, along the way of a record:
//!
//! | module | what it knows | what it must not know |
//! |---|---|---|
//! | [`transport`] | how frames get from one gateway to another, and who is who | records |

#![forbid(unsafe_code)]

pub mod transport;
