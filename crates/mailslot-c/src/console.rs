//! `conio.h`: single keys from the terminal.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;
use rustix::termios::{InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::border::call;
use crate::code::Code;
use crate::mapping;

/// Keys one by one, for as long as this lives. Without a terminal, nothing changes.
struct SingleKeys(Option<Termios>);

impl SingleKeys {
    fn begin(echo: bool) -> Self {
        let Ok(before) = tcgetattr(stdin()) else {
            return Self(None);
        };
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        modes.input_modes.remove(InputModes::ICRNL);
        if echo {
            modes.local_modes.insert(LocalModes::ECHO);
        }
        let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
        Self(Some(before))
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// The next key, -1 at the end of input. The Enter key is 13, as on Windows.
#[unsafe(export_name = "mailslot_MailslotGetKey")]
extern "C" fn get_key(echo: i32) -> i32 {
    call(-1, || {
        let _keys = SingleKeys::begin(echo != 0);
        let mut byte = [0];
        loop {
            match rustix::io::read(stdin(), &mut byte) {
                Ok(0) => return Ok(-1),
                Ok(_) if byte == *b"\n" => return Ok(13),
                Ok(_) => return Ok(byte[0].into()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(mapping::of_errno(errno)),
            }
        }
    })
}

#[unsafe(export_name = "mailslot_MailslotKeyWaits")]
extern "C" fn key_waits() -> i32 {
    call(0, || {
        let _keys = SingleKeys::begin(false);
        let input = stdin();
        let mut fds = [PollFd::from_borrowed_fd(input, PollFlags::IN)];
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = poll(&mut fds, Some(&zero)).map_err(|_| Code::GEN_FAILURE)?;
        Ok(i32::from(ready > 0))
    })
}
