/* windef.h - all of it is in windows.h.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include "windows.h"
