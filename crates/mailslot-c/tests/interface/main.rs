//! The library as C programs see it: all are compiled against an installation made by `install.sh`
//! and run in a world of slots of their own.

mod headers;
mod installation;
mod others;
mod programs;
mod samples;
mod support;
