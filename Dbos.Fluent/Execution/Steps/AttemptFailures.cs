using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Execution;

/// <summary>
/// The failures of a step's attempts, of many only the first and the last ones: a step may be retried for days, and each failure is
/// several kilobytes.
/// </summary>
internal sealed class AttemptFailures
{
    private const int KeptAtEachEnd = 50;

    private readonly List<RecordedFailure> first = [];
    private readonly Queue<RecordedFailure> last = new();

    public void Add(RecordedFailure failure)
    {
        if (first.Count < KeptAtEachEnd)
        {
            first.Add(failure);
            return;
        }

        if (last.Count == KeptAtEachEnd)
        {
            last.Dequeue();
        }

        last.Enqueue(failure);
    }

    public IReadOnlyList<RecordedFailure> InOrder() => [.. first, .. last];
}
