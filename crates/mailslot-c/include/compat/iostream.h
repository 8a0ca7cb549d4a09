/* iostream.h - C++'s streams as they were included before 1998, on Linux.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_IOSTREAM_H
#define MAILSLOT_COMPAT_IOSTREAM_H

#ifdef __cplusplus
#include <fstream>
#include <iomanip>
#include <iostream>
using namespace std;
#endif

#endif
