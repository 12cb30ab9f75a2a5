using System.Collections.Concurrent;
using System.Text.Json;
using static Dbos.Fluent.Tests.Interop.InteropBed;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>Every value of the table of <see cref="Crossings"/> goes from one language to the other and back.</summary>
public sealed class CrossingTests(InteropBed bed) : IClassFixture<InteropBed>
{
    private const int ValuesMin = 60;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_value_crosses_both_borders_or_gives_the_documented_error()
    {
        var arrived = new ConcurrentDictionary<string, string>();
        await bed.CreateAsync();
        var node = await bed.LaunchNodeAsync();
        var engine = await bed.LaunchAsync(options => options.Add([.. Crossings.All.Select(crossing => crossing.Echo(arrived))]));
        await node.CallAsync("connect", bed.Url, Dotnet);

        var breaches = await FromTypeScriptAsync(node, arrived);
        breaches.AddRange(await FromDotnetAsync(engine, node));

        Breaches.None(breaches);
        Assert.InRange(Crossings.All.Count(crossing => crossing.Sent is not null), ValuesMin, int.MaxValue);
        Assert.InRange(Crossings.All.Count(crossing => crossing.FromDotnet), ValuesMin, int.MaxValue);
    }

    // TypeScript sends, a workflow here returns what it was given, TypeScript compares.
    private static async Task<List<string>> FromTypeScriptAsync(NodeProgram node, ConcurrentDictionary<string, string> arrived)
    {
        var sent = Crossings.All.Where(crossing => crossing.Sent is not null)
            .ToDictionary(crossing => $"from typescript {crossing.Number}");
        var answers = await node.CallAsync<Answer[]>("crossToDotnet", DotnetQueue, sent.Select(crossing => new
        {
            id = crossing.Key,
            workflow = crossing.Value.WorkflowName,
            sent = crossing.Value.Sent,
            returned = crossing.Value.Seen ?? "undefined",
        }));
        var breaches = new List<string>();
        foreach (var answer in answers)
        {
            var crossing = sent[answer.Id];
            if (crossing.Error is not null)
            {
                breaches.AddRange(Refusal(crossing, answer));
                continue;
            }

            if ((answer.Wrong ?? answer.Error) is { } wrong)
            {
                breaches.Add($"{crossing}: TypeScript got {wrong}");
            }

            if (arrived.GetValueOrDefault(answer.Id) is var seen && seen != crossing.Exact)
            {
                breaches.Add($"{crossing}: here arrived {seen} instead of {crossing.Exact}");
            }
        }

        return breaches;
    }

    private static IEnumerable<string> Refusal(Crossing crossing, Answer answer)
    {
        var isDocumented = answer.Error?.StartsWith(crossing.Error + ":", StringComparison.Ordinal) == true
            && answer.Error.Contains(crossing.Because!, StringComparison.OrdinalIgnoreCase);
        return isDocumented ? [] : [$"{crossing}: no {crossing.Error} because of '{crossing.Because}' but {answer.Error ?? "a result"}"];
    }

    // A client here sends, a workflow of TypeScript notes what it was given and returns it.
    private static async Task<List<string>> FromDotnetAsync(WorkflowClient client, NodeProgram node)
    {
        var sent = Crossings.All.Where(crossing => crossing.FromDotnet).ToDictionary(crossing => $"from dotnet {crossing.Number}");
        var breaches = new List<string>();
        await Task.WhenAll(sent.Select(async crossing =>
        {
            var wrong = await WrongAsync(client, crossing.Key, crossing.Value).Within(Bounded.Limit);
            lock (breaches)
            {
                breaches.AddRange(wrong);
            }
        }));
        var crossed = sent.Where(crossing => crossing.Value.Error is null);
        var answers = await node.CallAsync<Answer[]>(
            "whatArrived", crossed.Select(crossing => new { id = crossing.Key, expected = crossing.Value.Seen }));
        breaches.AddRange(
            from answer in answers where answer.Wrong is not null select $"{sent[answer.Id]}: in TypeScript arrived {answer.Wrong}");
        return breaches;
    }

    private static async Task<string[]> WrongAsync(WorkflowClient client, string id, Crossing crossing)
    {
        try
        {
            var back = await crossing.CrossToTypeScriptAsync(client, id, Cancel);
            return crossing.Error is not null ? [$"{crossing}: was not refused because of '{crossing.Because}'"]
                : back != crossing.ExactBack ? [$"{crossing}: {back} came back instead of {crossing.ExactBack}"]
                : [];
        }
        catch (DbosException exception)
        {
            return exception.GetType().Name == crossing.Error && exception.Message.Contains(crossing.Because!)
                ? []
                : [$"{crossing}: {exception.Message}"];
        }
    }

    private sealed record Answer(string Id, string? Wrong, string? Error);
}
