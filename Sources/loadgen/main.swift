import CSystem
@preconcurrency import Glibc

SRTSocket.hush()
exit(runLoadgen(Array(CommandLine.arguments.dropFirst())))
