namespace Dbos.Fluent.Definitions;

/// <summary>A step that waits for a value and may end without one.</summary>
internal abstract class OptionalStep<T> : Step<Optional<T>>, IValueStep
{
    private protected OptionalStep(string name)
        : base(name)
    {
    }

    public Type ValueType => typeof(T);

    public void CompleteWith(object? value) => Complete(new Optional<T>(true, (T?)value));

    public void CompleteEmpty() => Complete(default(Optional<T>));
}
