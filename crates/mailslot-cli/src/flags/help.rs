//! Examples and exit codes, for help and man pages alike.

use std::fmt::Write;

use crate::{exit, text};

/// What exit codes mean stands in lines of this width, so that none is broken by a terminal of 80
/// columns.
const MEANING_WIDTH: usize = 71;

/// A command line and what it does.
pub(crate) type Example = (&'static str, &'static str);

/// The examples of a command; those of `mailslot` itself for "".
pub(crate) fn examples(command: &str) -> &'static [Example] {
    match command {
        "" => &[
            ("mailslot demo", "See mailslots at work"),
            ("mailslot read taxes/sue", "In one terminal: create a slot and print what arrives"),
            ("mailslot write taxes/sue 'The form is in.'", "In another: write a record"),
        ],
        "read" => &[
            ("mailslot read taxes/sue", "Print each record on a line until Ctrl-C"),
            ("mailslot read taxes/sue --format json", "Also tell who wrote it and when"),
            ("mailslot read taxes/sue -n 1 --timeout 5s", "Wait up to 5 seconds for one record"),
            (
                "mailslot read backup/jobs --exec 'xargs -d \"\\n\" tar -czf /backup/$(date +%s).tgz'",
                "Run a command for each record",
            ),
            (
                "mailslot read printer --allow group:lp --max-size 64K --quota 1M",
                "Let a group write, and limit what may wait",
            ),
            ("mailslot read -0 files | xargs -0 rm --", "Records with any bytes but NUL, safely"),
        ],
        "write" => &[
            ("mailslot write taxes/sue 'The form is in.'", "Write one record"),
            ("mailslot write taxes/sue one two ''", "Write three records, the last one empty"),
            ("mailslot write taxes/sue --file form.pdf", "Write a whole file as one record"),
            ("date | mailslot write taxes/sue", "Write all of standard input as one record"),
            ("tail -f log | mailslot write --lines taxes/sue", "Write each line as it comes"),
            ("find . -print0 | mailslot write -0 files", "Write each path, whatever is in it"),
            (
                "mailslot write --confirm --timeout 2s '//*/mailslot/notes' 'Tea is ready'",
                "Write to every computer of the domain, and see where it was accepted",
            ),
            ("mailslot write alive tick --repeat 60 --interval 1s", "Write a record each second"),
        ],
        "info" => &[
            ("mailslot info taxes/sue", "Show one slot"),
            ("mailslot info taxes/sue --json | jq .pid", "Which process reads it?"),
        ],
        "ls" => &[
            ("mailslot ls", "List all slots"),
            ("mailslot ls 'taxes/*'", "List those whose names start with taxes/"),
            ("mailslot ls --watch", "See slots appear and vanish"),
            #[cfg(feature = "gateway")]
            ("mailslot ls '//*/'", "List the computers of this computer's domains"),
            #[cfg(feature = "gateway")]
            ("mailslot ls '//JOE/'", "List the slots of computer JOE"),
            ("mailslot ls --json | jq -r 'select(.alive).name'", "The names of the living ones"),
        ],
        "domain" => &[
            ("mailslot domain create WORKGROUP", "Create a domain; this computer runs it"),
            ("mailslot domain invite JOE > joe.invite", "Invite computer JOE, within 24 hours"),
            ("mailslot domain join joe.invite", "On JOE: join; then start its gateway"),
        ],
        "domain create" => &[
            ("mailslot domain create WORKGROUP", "This computer is called as its host name says"),
            ("mailslot domain create Lab --computer SERVER", "With a name of its own"),
        ],
        "domain invite" => &[
            ("mailslot domain invite JOE > joe.invite", "Carry joe.invite to JOE, and join there"),
            (
                "mailslot domain invite JOE --expires 1h | ssh joe mailslot domain join -",
                "Without a file",
            ),
        ],
        "domain join" => &[("mailslot domain join joe.invite", "Accept the invitation")],
        "domain leave" => &[("mailslot domain leave WORKGROUP", "Delete this computer's keys")],
        "domain list" => &[
            ("mailslot domain list", "Which computers belong to which domain?"),
            ("mailslot domain list --json | jq -r '.computers[].computer'", "Their names"),
        ],
        "domain revoke" => &[("mailslot domain revoke JOE", "JOE is out, within 10 seconds")],
        "domain router" => &[(
            "mailslot domain router MEETING --dir /etc/zenohd",
            "On the computer that runs the domain; then copy the directory to the router",
        )],
        "gateway" => &[
            ("mailslot gateway", "Carry records between this computer and others until Ctrl-C"),
            ("mailslot gateway --check-config", "After a change of config.toml: is it right?"),
            ("systemctl enable --now mailslot-gateway", "Have it run by systemd"),
        ],
        "gateway status" => &[
            ("mailslot gateway status", "Which computers are in reach? What waits?"),
            ("mailslot gateway status --json | jq .counters", "What was counted"),
        ],
        "ping" => &[("mailslot ping JOE", "Is JOE there?")],
        "demo" => &[("mailslot demo", "Show mailslots at work")],
        "completions" => &[
            (
                "mailslot completions bash > ~/.local/share/bash-completion/completions/mailslot",
                "Install completions for bash",
            ),
            ("mailslot completions fish > ~/.config/fish/completions/mailslot.fish", "For fish"),
            (
                "mailslot completions zsh > /usr/local/share/zsh/site-functions/_mailslot",
                "For zsh, as root",
            ),
        ],
        "man" => &[
            ("mailslot man | man -l -", "Read the manual page"),
            ("mailslot man --dir ~/.local/share/man/man1", "Install the pages of all commands"),
        ],
        _ => &[],
    }
}

/// What stands at the end of a command's long help.
pub(crate) fn epilogue(command: &str) -> String {
    let mut out = String::from("Examples:\n");
    for (line, what) in examples(command) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {line}\n      {what}");
    }
    out.push_str("\nExit codes:\n");
    for (code, meaning) in exit::CODES {
        for (at, part) in text::wrapped(meaning, MEANING_WIDTH).iter().enumerate() {
            let code = if at == 0 { code } else { "" };
            let _ = writeln!(out, "  {code:<5}  {}", part.trim_start());
        }
    }
    if command.is_empty() {
        out.push_str("\nEnvironment:\n");
        for (variable, meaning) in ENVIRONMENT {
            let _ = writeln!(out, "  {variable}\n      {meaning}");
        }
    }
    out.trim_end().to_owned()
}

/// The environment variables that the command heeds.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "MAILSLOT_DIR",
        "The directory that holds the slots, in place of /run/mailslot (or /dev/shm, where there is none)",
    ),
    #[cfg(feature = "gateway")]
    (
        "MAILSLOT_CONFIG_DIR",
        "The directory that holds config.toml and the keys of this computer's domains, in place of \
         /etc/mailslot (for root) or ~/.config/mailslot",
    ),
];
