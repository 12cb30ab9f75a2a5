using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>
/// The sequence numbers of one step: the j-th is <c>First + j·Stride</c>. In a concurrent branch, the stride is the number of branches.
/// </summary>
internal readonly record struct Slots(int First, int Stride = 1)
{
    public int this[int index] => First + (index * Stride);

    /// <summary>The numbers from the given index on, for a member of a group.</summary>
    public Slots From(int index) => new(this[index], Stride);

    /// <summary>Where each member's numbers begin, counted from the group's first.</summary>
    public static int[] FirstNumbers(IReadOnlyList<Step> members)
    {
        var starts = new int[members.Count];
        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] = starts[i - 1] + members[i - 1].Slots;
        }

        return starts;
    }
}
