/* Tchar.h - another spelling of tchar.h.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "tchar.h"
