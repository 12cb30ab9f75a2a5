namespace Dbos.Fluent.Benchmarks;

/// <summary>
/// Messages and events: from one workflow to another here, to a workflow in another process, and to whoever waits outside.
/// </summary>
internal static class MessagesMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 200);
        var roundTrip = new Figures("send, receive, send, receive between two workflows (p50)", "ms");
        var across = new Figures("a message to a workflow in another process (p50)", "ms");
        var events = new Figures("event set to event got (p50)", "ms");
        var insert = Figures.Insert();
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.ExecutorId = "sender";
            options.Add(MessageWorkflows.Ping, MessageWorkflows.Pong, MessageWorkflows.Events);
        });
        await Rounds.RunAsync(run, 3, RoundAsync, insert, roundTrip, events, across);

        roundTrip.Print();
        across.Print();
        events.Print();
        Figures.PrintBeside(insert, roundTrip, across, events);
        return 0;

        async Task RoundAsync()
        {
            insert.Add(await BareInserts.OneAsync(run));
            roundTrip.Add(await RoundTripsAsync(engine, n));
            events.Add(await EventsAsync(engine, Math.Min(n, 50)));
            across.Add(await AcrossAsync(run, engine, n));
        }
    }

    /// <summary>The process that receives: it runs one workflow, says its id, and ends when that has ended.</summary>
    public static async Task<int> ReceiveAsync(Arguments run)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.ApplicationName = "receivers";
            options.Add(MessageWorkflows.Arrivals);
        });
        var handle = await engine.StartAsync(MessageWorkflows.Arrivals, run.Number("n", 100));
        await engine.GetEventAsync<bool>(handle.Id, "ready", Timeout.InfiniteTimeSpan);
        Console.WriteLine(handle.Id);
        await handle;
        return 0;
    }

    private static async Task<double> RoundTripsAsync(WorkflowEngine engine, int n)
    {
        MessageWorkflows.RoundTrips.Clear();
        var (ping, pong) = ($"ping-{Guid.NewGuid():N}", $"pong-{Guid.NewGuid():N}");
        var answering = await engine.StartAsync(MessageWorkflows.Pong, (ping, n), new() { Id = pong });
        await (await engine.StartAsync(MessageWorkflows.Ping, (pong, n), new() { Id = ping }));
        await answering;
        return MessageWorkflows.RoundTrips.Order().ElementAt(n / 2);
    }

    private static async Task<double> EventsAsync(WorkflowEngine engine, int n)
    {
        var late = new List<double>();
        var handle = await engine.StartAsync(MessageWorkflows.Events, n);
        for (var i = 0; i < n; i++)
        {
            await engine.GetEventAsync<int>(handle.Id, $"k{i}", TimeSpan.FromMinutes(1));
            late.Add(System.Diagnostics.Stopwatch.GetElapsedTime(MessageWorkflows.SetAt[$"k{i}"]).TotalMilliseconds);
        }

        await handle;
        return late.Order().ElementAt(n / 2);
    }

    private static async Task<double> AcrossAsync(Arguments run, WorkflowEngine engine, int n)
    {
        using var process = FillProcess.Start(["receive", .. run.Database, $"n={n}", $"notifications={run.Number("notifications", 1)}"]);
        var receiver = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The receiver did not start.");
        for (var i = 0; i < n; i++)
        {
            await engine.SendAsync(receiver, System.Diagnostics.Stopwatch.GetTimestamp());
            while ((await engine.GetEventAsync<int>(receiver, "got", TimeSpan.FromMinutes(1))).ValueOr(-1) < i)
            {
                await Task.Delay(2);
            }
        }

        var late = await engine.Retrieve<double[]>(receiver).GetResultAsync();
        await process.WaitForExitAsync();

        // The receiver is a new process, and its first messages find it cold.
        return late.Skip(n / 2).Order().ElementAt(n / 4);
    }
}
