using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Streams: how many values a workflow writes, from its body and from inside a step, and how soon they are read.</summary>
internal static class StreamMode
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 2000);
        var written = new Figures("stream values from one workflow, a step each", "values/s");
        var inStep = new Figures("stream values from inside steps, 200 at once", "values/s");
        var read = new Figures("written to read (p50)", "ms");
        var insert = Figures.Insert();
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(MessageWorkflows.Stream, MessageWorkflows.StreamInStep);
        });
        await Rounds.RunAsync(run, 3, RoundAsync, insert, written, inStep, read);
        written.Print();
        inStep.Print();
        read.Print();
        Figures.PrintBeside(insert, written, inStep, read);
        return 0;

        async Task RoundAsync()
        {
            insert.Add(await BareInserts.OneAsync(run));
            var clock = Stopwatch.StartNew();
            await (await engine.StartAsync(MessageWorkflows.Stream, (n, 0)));
            written.Add(n / clock.Elapsed.TotalSeconds);
            clock.Restart();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(
                async _ => await (await engine.StartAsync(MessageWorkflows.StreamInStep, (n * 5, 200)))));
            inStep.Add(n * 20 / clock.Elapsed.TotalSeconds);
            read.Add(await ReadAsync(engine));
        }
    }

    private static async Task<double> ReadAsync(WorkflowEngine engine)
    {
        var late = new List<double>();
        var handle = await engine.StartAsync(MessageWorkflows.Stream, (100, 10));
        await foreach (var writtenAt in engine.ReadStreamAsync<long>(handle.Id, "s"))
        {
            late.Add(Stopwatch.GetElapsedTime(writtenAt).TotalMilliseconds);
        }

        return late.Order().ElementAt(late.Count / 2);
    }
}
