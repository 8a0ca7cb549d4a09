/* stdafx.h - for programs that come without their own.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include "tchar.h"
#include "windows.h"
