using System.Globalization;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>
/// Generated workflows, cut at every checkpoint and gone on with by another engine, end as they did, with the same checkpoints, and no step
/// body runs again whose checkpoint was there.
/// </summary>
public abstract class GeneratedHistorySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // How many programs a run tries; more through the environment.
    private const string CountVariable = "DBOS_TEST_PROGRAMS";
    private const int CountDefault = 15;
    private const int Depth = 2;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly ProgramLedger ledger = new();
    private readonly Dictionary<string, ProgramInput> programs = [];
    private readonly List<WorkflowDefinition> definitions = [];

    [Fact]
    public async Task A_history_cut_anywhere_leads_to_the_same_checkpoints_and_the_same_end()
    {
        var random = Seeds.Next(out var seed);
        var more = Environment.GetEnvironmentVariable(CountVariable);
        var count = int.TryParse(more, CultureInfo.InvariantCulture, out var given) ? given : CountDefault;
        var inputs = Enumerable.Range(0, count)
            .Select(i => new ProgramInput(random.Next(), Depth, i % 3 == 0 ? ProgramForm.Fluent : ProgramForm.Free, random.Next(100)));

        await CheckAsync([.. inputs], seed);
    }

    private async Task CheckAsync(IReadOnlyList<ProgramInput> inputs, int seed)
    {
        var engine = await RunAllAsync(inputs);
        var originals = await EndedAsync("SELECT workflow_uuid FROM workflow_status");
        Breaches.None(FormsDiffer(originals));

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        var cut = new HistoryCut(originals, await CreatedAtAsync(), ledger, new Random(seed));
        foreach (var id in programs.Keys)
        {
            cut.CutEverywhere(id);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{programs.Count} programs, {originals.Values.Sum(one => one.Rows.Count)} checkpoints of {originals.Count} workflows, "
            + $"{cut.Roots.Count} cuts");
        await Database.ExecuteAsync(cut.Script);
        engine = await LaunchAsync(options => options.ExecutorId = HistoryCut.Executor, [.. definitions]);
        var copies = await EndedAsync("SELECT workflow_uuid FROM workflow_status");
        Breaches.None(cut.Roots.SelectMany(root => Differences(copies, root.CopyId, root.SourceId)));
        Breaches.None(
            from kept in cut.Kept
            where ledger.WasEntered(kept.CopyId, kept.Row.Sequence)
            select $"{kept} ran again: {Source(kept.CopyId)}");
        Breaches.None(BegunInVain(cut, copies));

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await CutInPlaceAsync(originals, new Random(seed));
        await LaunchAsync(options => options.ExecutorId = HistoryCut.Executor, [.. definitions]);
        var again = await EndedAsync("SELECT workflow_uuid FROM workflow_status");
        Breaches.None(programs.Keys.SelectMany(id => Differences(originals[id], again[id], id)));
    }

    // Programs of the fluent form run in both forms, all others as iterators.
    private async Task<WorkflowEngine> RunAllAsync(IReadOnlyList<ProgramInput> inputs)
    {
        var iterator = new IteratorProgram(ledger);
        var fluent = new FluentProgram(ledger, iterator.Definition);
        Dictionary<string, WorkflowDefinition<ProgramInput, int>> starts = [];
        foreach (var (index, input) in inputs.Index())
        {
            Add($"iterator-{index}", iterator.Definition, input);
            if (input.Form == ProgramForm.Fluent)
            {
                Add($"fluent-{index}", fluent.Build($"fluent {index}", input), input);
            }
        }

        definitions.AddRange(starts.Values.Distinct());
        var engine = await LaunchAsync([.. definitions]);
        await Task.WhenAll(starts.Select(start => engine.BeginAsync(start.Value, programs[start.Key], start.Key)));
        return engine;

        void Add(string id, WorkflowDefinition<ProgramInput, int> definition, ProgramInput input) =>
            (starts[id], programs[id]) = (definition, input);
    }

    private async Task<IReadOnlyDictionary<string, RecordedWorkflow>> EndedAsync(string all)
    {
        const string Unfinished = " WHERE status IN ('PENDING', 'ENQUEUED')";
        List<string?[]> left = [];
        await Eventually.TrueAsync(
            async () => (left = await Database.QueryAsync(all + Unfinished)).Count == 0,
            Limit,
            $"everything ends (programs {string.Join("; ", programs.Values)})");
        return await RecordedWorkflow.ReadAllAsync(Database);
    }

    private async Task<IReadOnlyDictionary<string, long>> CreatedAtAsync() =>
        (await Database.QueryAsync("SELECT workflow_uuid, created_at FROM workflow_status"))
            .ToDictionary(row => row[0]!, row => long.Parse(row[1]!, CultureInfo.InvariantCulture));

    private IEnumerable<string> FormsDiffer(IReadOnlyDictionary<string, RecordedWorkflow> all) =>
        from id in programs.Keys
        where id.StartsWith("fluent-", StringComparison.Ordinal)
        let other = id.Replace("fluent-", "iterator-", StringComparison.Ordinal)
        from difference in Differences(all[other], all[id], other)
        select difference;

    // Where the failure of a group was recorded, none of its members begins that was not recorded.
    private IEnumerable<string> BegunInVain(HistoryCut cut, IReadOnlyDictionary<string, RecordedWorkflow> copies) =>
        from failure in cut.Kept
        where failure.Row.Name.StartsWith("FailingGroup", StringComparison.Ordinal)
        let copy = copies[failure.CopyId]
        let first = ledger.FirstOfGroup(failure.SourceId, failure.Row.Sequence)
        let kept = cut.Kept.Where(other => other.CopyId == copy.Id).Select(other => other.Row.Sequence).ToHashSet()
        from sequence in Enumerable.Range(first, copy.Rows[^1].Sequence - first + 1)
        where ledger.IsLoose(failure.SourceId, sequence) && ledger.FirstOfGroup(failure.SourceId, sequence) == first
        where !kept.Contains(sequence) && (ledger.WasEntered(copy.Id, sequence) || copy.Rows.Any(row => row.Sequence == sequence))
        select $"{copy.Id}: row {sequence} began beside the failure recorded at {failure.Row.Sequence}; {Source(copy.Id)}";

    private IEnumerable<string> Differences(IReadOnlyDictionary<string, RecordedWorkflow> all, string copyId, string sourceId)
    {
        var pairs = new Queue<(string CopyId, string SourceId)>([(copyId, sourceId)]);
        while (pairs.TryDequeue(out var pair))
        {
            foreach (var difference in Differences(all[pair.SourceId], all[pair.CopyId], sourceId))
            {
                yield return difference;
            }

            foreach (var child in all[pair.CopyId].Starts.Where(start => start.ChildId!.StartsWith(copyId, StringComparison.Ordinal)))
            {
                var source = sourceId + child.ChildId![copyId.Length..];
                if (all.ContainsKey(source) || !ledger.IsLoose(pair.SourceId, child.Sequence))
                {
                    pairs.Enqueue((child.ChildId!, source));
                }
            }
        }
    }

    private IEnumerable<string> Differences(RecordedWorkflow source, RecordedWorkflow copy, string rootId)
    {
        // The copy's root id is the copy's id less what the child ids add to it.
        var copyRootId = copy.Id[..(copy.Id.Length - (source.Id.Length - rootId.Length))];
        string Known(string text) => text.Replace(copyRootId, rootId, StringComparison.Ordinal);
        if (source.Outcome != Known(copy.Outcome))
        {
            yield return $"{copy.Id}: ended '{Known(copy.Outcome)}', not '{source.Outcome}'; {Source(rootId)}";
        }

        var expected = source.Rows.ToDictionary(row => row.Sequence, row => row.Text);
        var actual = copy.Rows.ToDictionary(row => row.Sequence, row => Known(row.Text));
        foreach (var sequence in expected.Keys.Union(actual.Keys).Order())
        {
            var (before, after) = (expected.GetValueOrDefault(sequence), actual.GetValueOrDefault(sequence));
            var isLoose = ledger.IsLoose(source.Id, sequence) && (before is null || after is null);
            if (before != after && !isLoose)
            {
                yield return $"{copy.Id}: row {sequence} is '{after}', not '{before}'; {Source(rootId)}";
            }
        }
    }

    private string Source(string id) => $"{programs[id.Split('~')[0]]}";

    // Deletes the end of each history and leaves its children as they are, as a rewind does.
    private async Task CutInPlaceAsync(IReadOnlyDictionary<string, RecordedWorkflow> originals, Random random)
    {
        foreach (var id in programs.Keys)
        {
            var count = originals[id].Rows.Count;
            var kept = count == 0 ? 0 : originals[id].Rows[random.Next(count)].Sequence;
            await Database.ExecuteAsync(
                $"""
                DELETE FROM operation_outputs WHERE workflow_uuid = '{id}' AND function_id >= {kept};
                DELETE FROM workflow_output WHERE workflow_uuid = '{id}';
                UPDATE workflow_status SET executor_id = '{HistoryCut.Executor}' WHERE workflow_uuid = '{id}';
                """);
            await Database.FlipAsync(id);
        }
    }
}
