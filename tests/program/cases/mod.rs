//! Small inputs that once gave a wrong answer, each in a folder of `2026-11` whose README says what must happen. One
//! module a subject; each runs the program itself on a copy of the folder.

mod adoption;
mod advice;
mod assess;
mod earlier;
mod exposure;
pub mod folder;
mod isolation;
mod names;
mod partitions;
mod privacy;
mod refused;
mod retention;
mod verify;
mod wake;
