using System.Globalization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// Holds what the database and the ledger say against what must be: every workflow ended with the right result, every step took effect and
/// never again in a run that began after its checkpoint, no message was lost or doubled, no limit was exceeded, and nothing is left over.
/// </summary>
internal sealed class ChaosVerdict
{
    private static readonly PayloadSerializer Serializer = new();

    private readonly ChaosRows rows;
    private readonly ILookup<(string WorkflowId, string Step), ChaosEffect> effects;
    private readonly List<string> breaches = [];
    private readonly HashSet<string> expected = new(StringComparer.Ordinal);

    private ChaosVerdict(ChaosRows rows, ILookup<(string WorkflowId, string Step), ChaosEffect> effects) =>
        (this.rows, this.effects) = (rows, effects);

    /// <summary>What is not as it must be; empty if all is well.</summary>
    public IReadOnlyList<string> Breaches => breaches;

    /// <summary>How much there was, and how much of it had to be done again.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{rows.Workflows.Count} workflows, {effects.Count} steps, {effects.Sum(step => step.Count() - 1)} effects repeated, "
        + $"{rows.Workflows.Values.Sum(row => row.Attempts - 1)} runs beyond the first");

    public static ChaosVerdict Of(
        ChaosOptions options,
        ChaosRows rows,
        ILookup<(string WorkflowId, string Step), ChaosEffect> effects,
        IReadOnlyList<ChaosFaultKind> missingFaults,
        long queuedMost)
    {
        var verdict = new ChaosVerdict(rows, effects);
        foreach (var fault in missingFaults)
        {
            verdict.Breach($"no fault of the kind '{fault}' happened: the run says nothing about it");
        }

        var kinds = new ChaosWorkflows(ledger: null).Kinds;
        for (var number = 0; number < options.Rounds; number++)
        {
            foreach (var kind in kinds)
            {
                verdict.Judge(kind, number);
            }

            verdict.JudgeMessaging(number);
        }

        foreach (var stranger in rows.Workflows.Keys.Where(id => !verdict.expected.Contains(id)))
        {
            verdict.Breach($"{stranger}: nobody started it");
        }

        // Were there always fewer than may run, the run would say nothing about the limit.
        verdict.Expect(ChaosQueueWatch.Limit, queuedMost, "the most that ever ran at once of the limited queue");
        verdict.Expect(0L, rows.Waits, "rows left in fluent_waits");
        return verdict;
    }

    private void Judge(ChaosKind kind, int number)
    {
        var id = ChaosWorkflows.IdOf(kind.Definition.Name, number);
        Judge(id, parent: null, kind.Result?.Invoke(number), kind.Steps);
        foreach (var sequence in kind.Children)
        {
            var child = string.Create(CultureInfo.InvariantCulture, $"{id}-{sequence}");
            Judge(child, id, $"child of {number.ToString(CultureInfo.InvariantCulture)}", ["only"]);
        }
    }

    private void Judge(string id, string? parent, string? result, IReadOnlyList<string> steps)
    {
        expected.Add(id);
        if (!rows.Workflows.TryGetValue(id, out var row))
        {
            Breach($"{id}: lost");
            return;
        }

        if (row.Status != (result is null ? "ERROR" : "SUCCESS"))
        {
            Breach($"{id}: {row.Status}, executor {row.Executor}, attempts {row.Attempts}, error {Failure(row)}");
            return;
        }

        if (result is null ? !Failure(row).StartsWith("System.TimeoutException", StringComparison.Ordinal) : Result(row) != result)
        {
            Breach($"{id}: the outcome is {Result(row)}{Failure(row)}");
        }

        Expect(null, row.Owner, $"{id}: owner");
        Expect(parent, row.Parent, $"{id}: parent");
        foreach (var step in steps)
        {
            JudgeStep(id, step);
        }
    }

    private void JudgeStep(string id, string step)
    {
        var checkpoints = rows.Checkpoints[(id, step)].ToList();
        if (checkpoints is not [var checkpoint])
        {
            Breach($"{id}, {step}: {checkpoints.Count} checkpoints");
            return;
        }

        if (!effects[(id, step)].Any(effect => effect.At <= checkpoint))
        {
            Breach($"{id}, {step}: a checkpoint without an effect before it");
        }

        // A run that began earlier and was frozen meanwhile may still take effect, as no one can take a frozen process's next move away.
        foreach (var late in effects[(id, step)].Where(effect => effect.RunBegan > checkpoint))
        {
            Breach($"{id}, {step}: took effect {late.At - checkpoint} us after its checkpoint, in a run that began "
                + $"{late.RunBegan - checkpoint} us after it");
        }
    }

    private void JudgeMessaging(int number)
    {
        var receiver = ChaosWorkflows.IdOf("receiver", number);
        const int count = ChaosWorkflows.MessageCount;
        Expect((count, count), rows.Messages.GetValueOrDefault(receiver), $"{receiver}: messages sent and consumed");
        var writer = ChaosWorkflows.IdOf("writer", number);
        Expect(count + 1L, rows.StreamRows.GetValueOrDefault(writer), $"{writer}: rows of its stream");
        var setter = ChaosWorkflows.IdOf("setter", number);
        Expect(1L, rows.EventRows.GetValueOrDefault(setter), $"{setter}: times that its event was set");
    }

    private void Expect<T>(T wanted, T found, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(wanted, found))
        {
            Breach($"{what}: {found} instead of {wanted}");
        }
    }

    private void Breach(string text) => breaches.Add(text);

    private static string? Result(ChaosWorkflowRow row) =>
        row.Output is null ? null : (string?)Serializer.Decode(new Payload(row.Output, row.Format), typeof(string));

    private static string Failure(ChaosWorkflowRow row) =>
        row.Error is null ? "" : Serializer.DecodeFailure(new Payload(row.Error, row.Format)) is var failure
            ? $"{failure.TypeName}: {failure.Message}" : "";
}
