namespace Dbos.Fluent.Samples;

/// <summary>
/// Mails that are sent at most two at a time and five in two seconds, one at a time for each customer; a digest that waits for a quiet
/// period; and a report that a schedule starts.
/// </summary>
internal static class Queues
{
    private static readonly WorkflowQueue Mails = new("mails")
    {
        Concurrency = 2,                                           // in all processes together
        RateLimit = new(5, TimeSpan.FromSeconds(2)),               // started, in any two seconds
        PartitionConcurrency = 1,                                  // for each customer
    };

    private static readonly WorkflowDefinition<Mail, string> Send =
        Workflow.Define<Mail, string>("send mail").Step("send", x => SendAsync(x.Input)).As(out var sent).Return(x => x.Get(sent));

    private static readonly WorkflowDefinition<string, string> Digest =
        Workflow.Define<string, string>("digest").Step("write", x => Task.FromResult($"digest up to '{x.Input}'"))
            .As(out var digest).Return(x => x.Get(digest));

    private static readonly WorkflowDefinition<ScheduledRun, Unit> Report =
        Workflow.Define<ScheduledRun>("report").Step("print", x => PrintAsync(x.Input)).End();

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        using var database = new SampleDatabase(settings);
        await using var engine = await database.LaunchAsync(o => o
            .Add(Send, Digest)
            .Add(Mails)
            .Schedule("report", "0 3 * * *", Report, "Europe/Paris", new() { Overlap = Overlap.Skip }));

        Console.WriteLine("Seven mails, two at a time and five in two seconds:");
        string[] customers = ["ada", "grace", "ada", "edsger", "ada", "grace", "barbara"];
        var mails = await engine.StartManyAsync(Send, customers.Select((customer, number) => (
            new Mail(customer, number), (StartOptions?)new StartOptions { Queue = Mails, PartitionKey = customer })));
        foreach (var mail in mails)
        {
            Console.WriteLine($"  {await mail}");
        }

        Console.WriteLine("Three calls, one digest:");
        var digests = engine.Debounce(Digest, atMost: TimeSpan.FromMinutes(1));
        foreach (var news in (string[])["first", "second", "third"])
        {
            await digests.CallAsync("team", TimeSpan.FromSeconds(1), news);    // the last input wins, the period starts again
        }

        Console.WriteLine($"  {await await digests.CallAsync("team", TimeSpan.Zero, "last")}");

        Console.WriteLine("The nightly report, now:");
        await engine.Retrieve<Unit>(await engine.Schedules.TriggerAsync("report"));
        Console.WriteLine($"  the next one by itself: {(await engine.Schedules.GetAsync("report"))!.NextAt:u}");
        return 0;
    }

    /// <summary>The same engine on a server, as an application launches it.</summary>
    public static async Task ServeAsync(string connectionString, Task stopped)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(o => o
            .UsePostgres(connectionString)
            .Add(Send, Digest)
            .Add(Mails)
            .Schedule("report", "0 3 * * *", Report, "Europe/Paris", new() { Overlap = Overlap.Skip }));

        await stopped;
    }

    private static async Task<string> SendAsync(Mail mail)
    {
        await Task.Delay(100);
        return $"mail {mail.Number} to {mail.Customer}";
    }

    private static Task PrintAsync(ScheduledRun run)
    {
        Console.WriteLine($"  report of {run.ScheduledAt:u}");
        return Task.CompletedTask;
    }

    private sealed record Mail(string Customer, int Number);
}
