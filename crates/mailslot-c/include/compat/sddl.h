/* sddl.h - security descriptors written as text, on Linux.
 *
 * Two of them mean something here: that everyone may write, and that only those may who always may.
 * A text that says anything else is refused with ERROR_INVALID_ACL.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef MAILSLOT_COMPAT_SDDL_H
#define MAILSLOT_COMPAT_SDDL_H

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SDDL_REVISION_1 1U
#define SDDL_REVISION SDDL_REVISION_1

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorA(
    LPCSTR StringSecurityDescriptor, DWORD StringSDRevision,
    PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize)
    MAILSLOT_SYMBOL(ConvertStringSecurityDescriptorToSecurityDescriptorA);
BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(
    LPCWSTR StringSecurityDescriptor, DWORD StringSDRevision,
    PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize)
    MAILSLOT_SYMBOL_WIDE(ConvertStringSecurityDescriptorToSecurityDescriptorW);

#ifdef UNICODE
#define ConvertStringSecurityDescriptorToSecurityDescriptor                                        \
    ConvertStringSecurityDescriptorToSecurityDescriptorW
#else
#define ConvertStringSecurityDescriptorToSecurityDescriptor                                        \
    ConvertStringSecurityDescriptorToSecurityDescriptorA
#endif

#ifdef __cplusplus
}
#endif

#endif
