//! Man pages and completions, out of the definitions in [`flags`](crate::flags).

use std::fs;
use std::io::{self, Write};

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::exit::{self, Exit};
use crate::flags::{Cli, CompletionsArgs, ManArgs, help};
use crate::stdout::Stdout;

mod completions;
mod roff;

/// When what the pages say changed last.
const DATE: &str = "2026-11-27";

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let script = completions::script(args.shell, Cli::command());
    Stdout::new()?.write(&script)?;
    Ok(Exit::Success)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    let Some(dir) = &args.dir else {
        let pages = pages().context("cannot make the page")?;
        Stdout::new()?.write(&pages[0].text)?;
        return Ok(Exit::Success);
    };
    fs::create_dir_all(dir).with_context(|| format!("cannot create {dir:?}"))?;
    for page in pages().context("cannot make the pages")? {
        let path = dir.join(&page.file);
        fs::write(&path, &page.text).with_context(|| format!("cannot write {path:?}"))?;
    }
    Ok(Exit::Success)
}

struct Page {
    file: String,
    text: Vec<u8>,
}

/// The page of `mailslot` first, then one for each command.
fn pages() -> io::Result<Vec<Page>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let names: Vec<_> = root.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let mut pages = vec![page(&root, "", &names)?];
    for command in root.get_subcommands() {
        below(command, command.get_name(), &names, &mut pages)?;
    }
    Ok(pages)
}

/// The page of a command, and those of its commands.
fn below(command: &Command, name: &str, all: &[String], pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command, name, all)?);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        below(inner, &format!("{name} {}", inner.get_name()), all, pages)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str, all: &[String]) -> io::Result<Page> {
    let title = if name.is_empty() {
        "mailslot".into()
    } else {
        format!("mailslot-{}", name.replace(' ', "-"))
    };
    let version = env!("CARGO_PKG_VERSION");
    // Within a man page, `mailslot-read` is the name; in the synopsis it stays `mailslot read`.
    let man = Man::new(command.clone().display_name(title.clone()))
        .title(title.to_uppercase())
        .section("1")
        .date(DATE)
        .source(format!("mailslot {version}"))
        .manual("Mailslots for Linux");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command, &mut text)?;
    man.render_description_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    list("EXIT STATUS", exit::CODES.into_iter(), &mut text)?;
    list("ENVIRONMENT", help::ENVIRONMENT.iter().copied(), &mut text)?;
    list("EXAMPLES", help::examples(name).iter().copied(), &mut text)?;
    see_also(&title, all, &mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(Page { file: format!("{title}.1"), text: roff::tidy(&text).into_bytes() })
}

/// How the command is used, as its help says.
fn synopsis(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for (at, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
        if at > 0 {
            roff.control("br", []);
        }
        roff.text([roman(line.trim())]);
    }
    roff.to_writer(out)
}

fn list<'a>(
    heading: &str,
    items: impl Iterator<Item = (&'a str, &'a str)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (term, meaning) in items {
        roff.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
    roff.to_writer(out)
}

fn see_also(title: &str, all: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut others: Vec<String> = all.iter().map(|name| format!("mailslot-{name}")).collect();
    others.insert(0, "mailslot".into());
    others.retain(|other| other != title);
    let mut line: Vec<Inline> = Vec::new();
    for other in others {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(other), roman("(1)")]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text(line);
    roff.to_writer(out)
}
