import CSystem
@preconcurrency import Glibc

exit(runLoadgen(Array(CommandLine.arguments.dropFirst())))
