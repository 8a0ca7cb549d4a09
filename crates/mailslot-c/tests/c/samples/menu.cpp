// A menu by single keys, a thread that reads, a semaphore. Not edited for Linux.
#include <windows.h>
#include <stdio.h>
#include <conio.h>
#include <iostream>
#include <string>
#include <queue>
using namespace std;
static const LPCSTR SLOT = "\\\\.\\mailslot\\menu";
class Lock {
    CRITICAL_SECTION cs;

  public:
    Lock() {
        ::InitializeCriticalSection(&cs);
    }
    ~Lock() {
        ::DeleteCriticalSection(&cs);
    }
    void in() {
        ::EnterCriticalSection(&cs);
    }
    void out() {
        ::LeaveCriticalSection(&cs);
    }
};
Lock lock_;
queue<string> inbox;
HANDLE slot_;
volatile bool running = true;
HANDLE sem;
DWORD WINAPI reader(LPVOID) {
    char buf[1024];
    DWORD n;
    while (running) {
        if (ReadFile(slot_, buf, sizeof buf - 1, &n, NULL)) {
            buf[n] = '\0';
            lock_.in();
            inbox.push(buf);
            lock_.out();
            ReleaseSemaphore(sem, 1, NULL);
        } else {
            DWORD e = ::GetLastError();
            if (e == ERROR_SEM_TIMEOUT)
                continue;
            cerr << "reader: " << e << endl;
            return e;
        }
    }
    return 0;
}
int main() {
    sem = CreateSemaphore(NULL, 0, 100, NULL);
    slot_ = CreateMailslot(SLOT, 0, 100, NULL);
    DWORD tid;
    HANDLE th = CreateThread(0, 0, reader, 0, 0, &tid);
    SetThreadPriority(th, THREAD_PRIORITY_NORMAL);
    int ch;
    do {
        cout << "1 send 2 show q quit> " << flush;
        ch = _getch();
        if (ch == '1') {
            HANDLE f = CreateFile(SLOT, GENERIC_WRITE, FILE_SHARE_READ, 0, OPEN_EXISTING, 0, 0);
            string m = "message";
            DWORD n;
            WriteFile(f, m.data(), (DWORD)m.size(), &n, 0);
            CloseHandle(f);
        }
        if (ch == '2') {
            WaitForSingleObject(sem, 5000);
            lock_.in();
            cout << "inbox " << inbox.size() << ' ' << (inbox.empty() ? "" : inbox.front()) << endl;
            lock_.out();
        }
    } while (ch != 'q' && ch != 'Q' && ch != EOF);
    running = false;
    WaitForSingleObject(th, INFINITE);
    DWORD code;
    GetExitCodeThread(th, &code);
    CloseHandle(th);
    CloseHandle(slot_);
    CloseHandle(sem);
    system("cls");
    cout << "exit " << code << endl;
    return 0;
}
