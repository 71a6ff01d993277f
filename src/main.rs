//! The one program: `airline serve`, `airline migrate`, and the rest. See `airline --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    airline::cli::main()
}
