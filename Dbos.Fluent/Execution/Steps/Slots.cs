namespace Dbos.Fluent.Execution;

/// <summary>
/// The sequence numbers of one step: the j-th is <c>First + j·Stride</c>. In a concurrent branch, the stride is the number of branches.
/// </summary>
internal readonly record struct Slots(int First, int Stride = 1)
{
    public int this[int index] => First + (index * Stride);

    /// <summary>The numbers from the given index on, for a member of a group.</summary>
    public Slots From(int index) => new(this[index], Stride);
}
