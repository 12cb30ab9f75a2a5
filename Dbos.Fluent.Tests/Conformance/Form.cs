namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The two forms in which a workflow is written. What holds of a workflow holds in both.</summary>
public enum Form
{
    /// <summary>An async iterator that yields steps.</summary>
    Iterator,

    /// <summary>A definition built by calls.</summary>
    Fluent,
}

internal static class Forms
{
    /// <summary>The definition in this form.</summary>
    public static T Pick<T>(this Form form, T iterator, T fluent) => form == Form.Iterator ? iterator : fluent;
}
