{ What a program in Pascal does with the unit that the page on porting shows. }
program RoundTrip;
{$MODE DELPHI}

uses
  Mailslots;

const
  Name = '\\.\mailslot\pascal\slot';

procedure Check(Condition: Boolean; const What: string);
begin
  if not Condition then
  begin
    WriteLn(What, ' failed: ', GetLastError);
    Halt(1);
  end;
end;

var
  Slot, Writer: THandle;
  Text: AnsiString;
  Buffer: array[0..63] of AnsiChar;
  Done, Next, Count, Maximum, Timeout: DWORD;

begin
  Slot := CreateMailslot(Name, 40, 0, nil);
  Check(Slot <> INVALID_HANDLE_VALUE, 'CreateMailslot');
  Check(CreateMailslot(Name, 40, 0, nil) = INVALID_HANDLE_VALUE, 'the second CreateMailslot');
  Check(GetLastError = 183, 'its error');
  Writer := CreateFile(Name, GENERIC_WRITE, FILE_SHARE_READ, nil, OPEN_EXISTING,
    FILE_ATTRIBUTE_NORMAL, 0);
  Check(Writer <> INVALID_HANDLE_VALUE, 'CreateFile');
  Text := 'Form 1040 is in.';
  Check(WriteFile(Writer, Text[1], Length(Text), Done, nil), 'WriteFile');
  Check(Done = DWORD(Length(Text)), 'its count');
  Check(WaitForSingleObject(Slot, INFINITE) = 0, 'WaitForSingleObject');
  Check(GetMailslotInfo(Slot, @Maximum, @Next, @Count, @Timeout), 'GetMailslotInfo');
  Check((Maximum = 40) and (Next = 16) and (Count = 1) and (Timeout = 0), 'what it says');
  Check(ReadFile(Slot, Buffer, SizeOf(Buffer), Done, nil), 'ReadFile');
  SetString(Text, PAnsiChar(@Buffer), Done);
  WriteLn(Text);
  Check(not ReadFile(Slot, Buffer, SizeOf(Buffer), Done, nil), 'the second ReadFile');
  Check(GetLastError = 121, 'its error');
  Check(GetMailslotInfo(Slot, nil, @Next, nil, nil) and (Next = MAILSLOT_NO_MESSAGE), 'no more');
  Check(SetMailslotInfo(Slot, MAILSLOT_WAIT_FOREVER), 'SetMailslotInfo');
  Check(CloseHandle(Writer) and CloseHandle(Slot), 'CloseHandle');
  Check(not CloseHandle(Slot) and (GetLastError = 6), 'the second CloseHandle');
end.
