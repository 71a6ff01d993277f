//! The one program: `airline serve`, `airline migrate`, and the rest. See `airline --help`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    airline::cli::main()
}
