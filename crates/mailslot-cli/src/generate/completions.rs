//! Completions that offer files only where the definitions speak of files.

use std::fmt::Write;

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// The script that completes `command` in a shell.
pub(super) fn script(shell: Shell, command: Command) -> Vec<u8> {
    let mut command = without_guesses(command);
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    if shell == Shell::Fish {
        script.extend(fish_positionals(&command).into_bytes());
    }
    script
}

/// The generators offer files for a value of which nothing is known; ours are no files then.
fn without_guesses(command: Command) -> Command {
    let decided = |arg: Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    command.mut_args(decided).mut_subcommands(without_guesses)
}

/// What fish's generator leaves out: arguments that are no options.
fn fish_positionals(root: &Command) -> String {
    let name = root.get_name();
    let mut out = format!("complete -c {name} -f\n");
    for command in root.get_subcommands() {
        let using = format!("__fish_{name}_using_subcommand {}", command.get_name());
        fish_arguments(command, name, &using, &mut out);
        for inner in command.get_subcommands() {
            let inner_using =
                format!("{using}; and __fish_seen_subcommand_from {}", inner.get_name());
            fish_arguments(inner, name, &inner_using, &mut out);
        }
    }
    out
}

fn fish_arguments(command: &Command, name: &str, condition: &str, out: &mut String) {
    for arg in command.get_positionals() {
        let values = arg.get_possible_values();
        let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
        let offered = match arg.get_value_hint() {
            ValueHint::FilePath => "-F".to_owned(),
            _ if !names.is_empty() => format!("-a \"{}\"", names.join(" ")),
            _ => continue,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "complete -c {name} -n \"{condition}\" {offered}");
    }
}
