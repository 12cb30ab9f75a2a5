using Dbos.Fluent.Samples;

const string Help = """
    Samples of Dbos.Fluent.

      dotnet run --project Dbos.Fluent.Samples                  the crash demo on SQLite, in a temporary folder
      dotnet run --project Dbos.Fluent.Samples -- MODE [--sqlite <file> | --postgres "<connection string>"]

      crash-demo   runs a checkout in a child process, kills that with SIGKILL between two steps, starts another one,
                   and shows that the checkout finishes without repeating a step
      approval     a payment that waits two days for an approval: it leaves memory, its engine goes, another one finishes it
      agent        an agent that streams its progress and its answer, word by word, while it works
      saga         a booking that fails at its last step and undoes itself, as an iterator and as a definition with branches
      queues       mails under limits of a queue, a digest that is debounced, a report that is scheduled
      operations   orders of which one fails: listed, counted, forked from the failure, rewound, deleted
      fluent       the checkout written with the fluent builder: prints its diagram and runs it
      --help       this text
    """;

var settings = SampleSettings.Parse(args);
switch (settings.Mode)
{
    case "crash-demo":
        return await CrashDemo.RunAsync(settings);
    case "approval":
        return await Approval.RunAsync(settings);
    case "agent":
        return await Agent.RunAsync(settings);
    case "saga":
        return await Saga.RunAsync(settings);
    case "queues":
        return await Queues.RunAsync(settings);
    case "operations":
        return await Operations.RunAsync(settings);
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
