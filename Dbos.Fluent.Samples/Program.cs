using Dbos.Fluent.Samples;

const string Help = """
    Samples of Dbos.Fluent.

      dotnet run --project Dbos.Fluent.Samples                  the crash demo on SQLite, in a temporary folder
      dotnet run --project Dbos.Fluent.Samples -- MODE [--sqlite <file> | --postgres "<connection string>"]

      crash-demo   runs a checkout in a child process, kills that with SIGKILL between two steps, starts another one,
                   and shows that the checkout finishes without repeating a step
      fluent       the same checkout written with the fluent builder: prints its diagram and runs it
      --help       this text
    """;

var settings = SampleSettings.Parse(args);
switch (settings.Mode)
{
    case "crash-demo":
        return await CrashDemo.RunAsync(settings);
    case "fluent":
        return await FluentCheckout.RunAsync(settings);
    case "checkout-process":
        return await CheckoutProcess.RunAsync(settings);
    case "--help" or "-h" or "help":
        Console.WriteLine(Help);
        return 0;
    default:
        await Console.Error.WriteLineAsync($"Unknown mode '{settings.Mode}'.\n\n{Help}");
        return 2;
}
