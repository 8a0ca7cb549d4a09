//! Win32 error numbers, and the text of each.

use std::fmt;

/// A Win32 error number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) u32);

macro_rules! codes {
    ($($name:ident $number:literal $text:literal)*) => {
        #[allow(dead_code)] // Programs ask for the texts of all.
        impl Code {
            $(pub(crate) const $name: Code = Code($number);)*
        }

        /// Every number that has a name in mailslot.h, that name without `ERROR_`, and its text.
        pub(crate) const ALL: &[(u32, &str, &str)] = &[$(($number, stringify!($name), $text)),*];
    };
}

codes! {
    SUCCESS 0 "The operation completed successfully."
    INVALID_FUNCTION 1 "Incorrect function."
    FILE_NOT_FOUND 2 "The system cannot find the file specified."
    PATH_NOT_FOUND 3 "The system cannot find the path specified."
    TOO_MANY_OPEN_FILES 4 "The system cannot open the file."
    ACCESS_DENIED 5 "Access is denied."
    INVALID_HANDLE 6 "The handle is invalid."
    NOT_ENOUGH_MEMORY 8 "Not enough memory resources are available to process this command."
    INVALID_DATA 13 "The data is invalid."
    OUTOFMEMORY 14 "Not enough storage is available to complete this operation."
    NOT_READY 21 "The device is not ready."
    BAD_LENGTH 24 "The program issued a command but the command length is incorrect."
    WRITE_FAULT 29 "The system cannot write to the specified device."
    READ_FAULT 30 "The system cannot read from the specified device."
    GEN_FAILURE 31 "A device attached to the system is not functioning."
    SHARING_VIOLATION 32 "The process cannot access the file because it is being used by another process."
    HANDLE_EOF 38 "Reached the end of the file."
    NOT_SUPPORTED 50 "The request is not supported."
    REM_NOT_LIST 51 "Windows cannot find the network path. Verify that the network path is correct and the destination computer is not busy or turned off."
    BAD_NETPATH 53 "The network path was not found."
    NETWORK_BUSY 54 "The network is busy."
    UNEXP_NET_ERR 59 "An unexpected network error occurred."
    NETNAME_DELETED 64 "The specified network name is no longer available."
    NETWORK_ACCESS_DENIED 65 "Network access is denied."
    BAD_NET_NAME 67 "The network name cannot be found."
    FILE_EXISTS 80 "The file exists."
    INVALID_PARAMETER 87 "The parameter is incorrect."
    BROKEN_PIPE 109 "The pipe has been ended."
    BUFFER_OVERFLOW 111 "The file name is too long."
    DISK_FULL 112 "There is not enough space on the disk."
    CALL_NOT_IMPLEMENTED 120 "This function is not supported on this system."
    SEM_TIMEOUT 121 "The semaphore timeout period has expired."
    INSUFFICIENT_BUFFER 122 "The data area passed to a system call is too small."
    INVALID_NAME 123 "The filename, directory name, or volume label syntax is incorrect."
    MOD_NOT_FOUND 126 "The specified module could not be found."
    BAD_PATHNAME 161 "The specified path is invalid."
    BUSY 170 "The requested resource is in use."
    ALREADY_EXISTS 183 "Cannot create a file when that file already exists."
    ENVVAR_NOT_FOUND 203 "The system could not find the environment option that was entered."
    FILENAME_EXCED_RANGE 206 "The filename or extension is too long."
    BAD_PIPE 230 "The pipe state is invalid."
    PIPE_BUSY 231 "All pipe instances are busy."
    NO_DATA 232 "The pipe is being closed."
    PIPE_NOT_CONNECTED 233 "No process is on the other end of the pipe."
    MORE_DATA 234 "More data is available."
    NOT_OWNER 288 "Attempt to release mutex not owned by caller."
    TOO_MANY_POSTS 298 "Too many posts were made to a semaphore."
    MR_MID_NOT_FOUND 317 "The system cannot find message text for this message number in the message file."
    OPERATION_ABORTED 995 "The I/O operation has been aborted because of either a thread exit or an application request."
    IO_INCOMPLETE 996 "Overlapped I/O event is not in a signaled state."
    IO_PENDING 997 "Overlapped I/O operation is in progress."
    NOACCESS 998 "Invalid access to memory location."
    INVALID_FLAGS 1004 "Invalid flags."
    NO_UNICODE_TRANSLATION 1113 "No mapping for the Unicode character exists in the target multi-byte code page."
    NOT_FOUND 1168 "Element not found."
    NO_NETWORK 1222 "The network is not present or not started."
    CANCELLED 1223 "The operation was canceled by the user."
    NETWORK_UNREACHABLE 1231 "The network location cannot be reached. For information about network troubleshooting, see Windows Help."
    HOST_UNREACHABLE 1232 "The network location cannot be reached. For information about network troubleshooting, see Windows Help."
    UNKNOWN_REVISION 1305 "The revision level is unknown."
    LOGON_FAILURE 1326 "The user name or password is incorrect."
    INVALID_ACL 1336 "The access control list (ACL) structure is invalid."
    INVALID_SID 1337 "The security ID structure is invalid."
    INVALID_SECURITY_DESCR 1338 "The security descriptor structure is invalid."
    NO_SUCH_DOMAIN 1355 "The specified domain either does not exist or could not be contacted."
    NO_SYSTEM_RESOURCES 1450 "Insufficient system resources exist to complete the requested service."
    TIMEOUT 1460 "This operation returned because the timeout period expired."
    INVALID_USER_BUFFER 1784 "The supplied user buffer is not valid for the requested operation."
    NOT_ENOUGH_QUOTA 1816 "Not enough quota is available to process this command."
    REMOTE_MAILSLOTS_DEPRECATED 3025 "Remote mailslots are not available on this computer: its gateway is not running. Start it with: mailslot gateway."
}

impl Code {
    /// The text of the error, if it is one of ours.
    pub(crate) fn text(self) -> Option<&'static str> {
        ALL.iter().find(|(number, ..)| *number == self.0).map(|(.., text)| *text)
    }

    /// As an NT status, which is what `OVERLAPPED.Internal` holds.
    pub(crate) fn status(self) -> usize {
        match PAIRS.iter().find(|(code, _)| *code == self) {
            Some((_, status)) => *status as usize,
            // The range of statuses that stand for Win32 numbers.
            None => (0xC007_0000 | (self.0 & 0xffff)) as usize,
        }
    }

    /// The error that an NT status stands for.
    pub(crate) fn of_status(status: usize) -> Code {
        let status = status as u32;
        match PAIRS.iter().find(|(_, known)| *known == status) {
            Some((code, _)) => *code,
            None if status >> 16 == 0xC007 => Code(status & 0xffff),
            None => Code::GEN_FAILURE,
        }
    }
}

/// `STATUS_PENDING`.
pub(crate) const PENDING: usize = 0x103;

const PAIRS: [(Code, u32); 6] = [
    (Code::SUCCESS, 0),
    (Code::IO_PENDING, PENDING as u32),
    (Code::SEM_TIMEOUT, 0xC000_00B5),
    (Code::INSUFFICIENT_BUFFER, 0xC000_0023),
    (Code::OPERATION_ABORTED, 0xC000_0120),
    (Code::INVALID_HANDLE, 0xC000_0008),
];

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.text().unwrap_or("?"))
    }
}
