//! What is explored in each run of the tests, and what is once in a while.

mod explorer;
mod faults;
mod rounds;
