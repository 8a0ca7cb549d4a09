// A class for a slot, wstring, wcout and printf by turns. Not edited for Linux.
#include <windows.h>
#include <iostream>
#include <string>
#include <vector>
#include <cstdio>
#include <stdexcept>
#include <tchar.h>
#ifdef UNICODE
typedef std::wstring tstring;
#define tcout std::wcout
#else
typedef std::string tstring;
#define tcout std::cout
#endif
class Mailslot {
    HANDLE m_h;
    tstring m_name;
    Mailslot(const Mailslot &);
    Mailslot &operator=(const Mailslot &);

  public:
    explicit Mailslot(const tstring &name) : m_h(INVALID_HANDLE_VALUE), m_name(name) {
        m_h = ::CreateMailslot(m_name.c_str(), 0, MAILSLOT_WAIT_FOREVER, NULL);
        if (m_h == INVALID_HANDLE_VALUE)
            throw std::runtime_error("CreateMailslot");
    }
    ~Mailslot() {
        ::CloseHandle(m_h);
    }
    bool read(tstring &out) {
        DWORD next = 0, count = 0, got = 0;
        if (!::GetMailslotInfo(m_h, 0, &next, &count, 0) || next == MAILSLOT_NO_MESSAGE)
            return false;
        std::vector<TCHAR> buf(next / sizeof(TCHAR) + 1);
        if (!::ReadFile(m_h, &buf[0], next, &got, 0))
            return false;
        out.assign(&buf[0], got / sizeof(TCHAR));
        return true;
    }
};
int _tmain(int argc, _TCHAR *argv[]) {
    tcout << _T("start \u00e4") << std::endl;
    printf("printf works\n");
    std::printf("std::printf works %lu\n", (unsigned long)7);
    std::wprintf(L"std::wprintf %s\n", L"wide");
    Mailslot slot(_T("\\\\.\\mailslot\\tcout"));
    HANDLE h = ::CreateFile(_T("\\\\.\\mailslot\\tcout"), GENERIC_WRITE, FILE_SHARE_READ, 0,
                            OPEN_EXISTING, 0, 0);
    tstring text = _T("text \u00fc"), got;
    DWORD cb;
    ::WriteFile(h, text.c_str(), (DWORD)(text.size() * sizeof(TCHAR)), &cb, 0);
    while (slot.read(got))
        tcout << got << std::endl;
    std::cout << "cout " << GetLastError() << std::endl;
    std::wcout << L"wcout " << (int)wcslen(L"abc") << std::endl;
    ::CloseHandle(h);
    return EXIT_SUCCESS;
}
