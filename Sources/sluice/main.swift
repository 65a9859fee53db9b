Command.run(CommandLine.arguments)
