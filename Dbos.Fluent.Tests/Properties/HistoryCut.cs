using System.Text;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>
/// Copies recorded workflows under new ids, with only some of their checkpoints and unfinished, as if their process had died there.
/// </summary>
internal sealed class HistoryCut(
    IReadOnlyDictionary<string, RecordedWorkflow> recorded,
    IReadOnlyDictionary<string, long> createdAtMs,
    ProgramLedger ledger,
    Random random)
{
    /// <summary>The executor id that the copies belong to.</summary>
    public const string Executor = "gone";

    private readonly StringBuilder script = new();

    /// <summary>The copies of started workflows, with what each is a copy of.</summary>
    public List<(string CopyId, string SourceId)> Roots { get; } = [];

    /// <summary>The checkpoints that the copies kept.</summary>
    public List<(string CopyId, string SourceId, RecordedRow Row)> Kept { get; } = [];

    public string Script => $"BEGIN; {script} COMMIT;";

    /// <summary>Cuts a workflow once before each of its checkpoints, and once behind the last.</summary>
    public void CutEverywhere(string id)
    {
        var rows = recorded[id].Rows;
        for (var count = 0; count <= rows.Count; count++)
        {
            var copy = $"{id}~{count}";
            Roots.Add((copy, id));
            Copy(id, copy, Dying(id, count), isFinished: false);
        }
    }

    // What may stand in the tables when a process dies once so many rows are there: of the group it was in, any part of them.
    private List<RecordedRow> Dying(string id, int count)
    {
        var kept = recorded[id].Rows.Take(count).ToList();
        if (kept.Count > 0)
        {
            var first = ledger.FirstOfGroup(id, kept[^1].Sequence);
            foreach (var row in kept.Where(row => row.Sequence >= first).ToList())
            {
                if (random.Next(2) == 0)
                {
                    // A child's result cannot be known where its start is not.
                    kept.RemoveAll(other => other == row || (row.StartsChild && other.ChildId == row.ChildId));
                }
            }
        }

        return kept;
    }

    private void Copy(string source, string copy, List<RecordedRow> kept, bool isFinished)
    {
        var isCopyingChildren = random.Next(2) == 0;
        Workflow(source, copy, isFinished);
        if (kept.Count > 0)
        {
            Rows(source, copy, kept, isCopyingChildren);
        }

        Kept.AddRange(kept.Select(row => (copy, source, row)));
        foreach (var start in isCopyingChildren ? kept.Where(row => row.StartsChild) : [])
        {
            var isAwaited = kept.Any(row => row.ChildId == start.ChildId && row != start);
            var rows = recorded[start.ChildId!].Rows;
            Copy(
                start.ChildId!,
                copy + start.ChildId![source.Length..],
                isAwaited ? [.. rows] : Dying(start.ChildId!, random.Next(rows.Count + 1)),
                isAwaited);
        }
    }

    private void Workflow(string source, string copy, bool isFinished)
    {
        var state = isFinished ? "status, executor_id, NULL, completed_at" : $"'PENDING', '{Executor}', 'lost', NULL";
        script.Append(
            $"""
            INSERT INTO workflow_status (
                workflow_uuid, status, executor_id, owner_xid, completed_at, name, created_at, updated_at, application_version,
                application_name, recovery_attempts, priority, parent_workflow_id, serialization)
            SELECT '{copy}', {state}, name, created_at, updated_at, application_version,
                application_name, recovery_attempts, priority, parent_workflow_id, serialization
              FROM workflow_status WHERE workflow_uuid = '{source}';
            INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT '{copy}', inputs, retention_timestamp FROM workflow_input WHERE workflow_uuid = '{source}';

            """);
        var origin = WorkflowOrigin.OfDirectStart(source, createdAtMs[source]);
        script.Append(
            isFinished
                ? $"""
                INSERT INTO workflow_output (workflow_uuid, output, error, retention_timestamp)
                SELECT '{copy}', output, error, retention_timestamp FROM workflow_output WHERE workflow_uuid = '{source}';

                """
                : $"""
                INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES ('{copy}', {origin.Seed}, {origin.StartedAtMs});

                """);
    }

    private void Rows(string source, string copy, List<RecordedRow> kept, bool isCopyingChildren)
    {
        var child = isCopyingChildren ? $"'{copy}' || substr(child_workflow_id, {source.Length + 1})" : "child_workflow_id";
        script.Append(
            $"""
            INSERT INTO operation_outputs (
                workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
                serialization, application_name, retention_timestamp)
            SELECT '{copy}', function_id, function_name, output, error, {child}, started_at_epoch_ms, completed_at_epoch_ms,
                serialization, application_name, retention_timestamp
              FROM operation_outputs
             WHERE workflow_uuid = '{source}' AND function_id IN ({string.Join(", ", kept.Select(row => row.Sequence))});

            """);
    }
}
