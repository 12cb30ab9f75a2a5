using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>A value as text that two values share only if they are equal in type, scale, kind, offset and sign of zero.</summary>
internal static class ExactText
{
    public static string Of(object? value)
    {
        var text = new StringBuilder();
        Append(text, value, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, object? value, int depth)
    {
        Assert.True(depth < 40, "The value refers to itself.");
        if (value is null)
        {
            text.Append("null");
            return;
        }

        // Which class stands behind a read-only list is the compiler's choice.
        var name = value is IReadOnlyList<RecordedFailure> ? "list" : value.GetType().Name;
        text.Append(name).Append(' ');
        switch (value)
        {
            case string or char or Uri or Version:
                text.Append('\'').Append(value).Append('\'');
                break;
            case double real:
                text.Append(BitConverter.DoubleToInt64Bits(real));
                break;
            case DateTime moment:
                text.Append(moment.Kind).Append(' ').Append(moment.Ticks);
                break;
            case DateTimeOffset moment:
                text.Append(moment.Ticks).Append(' ').Append(moment.Offset);
                break;
            case IFormattable plain:
                text.Append(plain.ToString(null, CultureInfo.InvariantCulture));
                break;
            case IEnumerable items:
                List(text, items.Cast<object?>(), depth);
                break;
            case ITuple tuple:
                List(text, Enumerable.Range(0, tuple.Length).Select(index => tuple[index]), depth);
                break;
            case RecordedFailure failure:
                Members(text, failure, depth);
                List(text, failure.BaseTypes, depth);
                break;
            case bool:
                text.Append(value);
                break;
            default:
                Members(text, value, depth);
                break;
        }
    }

    private static void List(StringBuilder text, IEnumerable<object?> items, int depth)
    {
        text.Append('[');
        foreach (var item in items)
        {
            Append(text, item, depth + 1);
            text.Append(", ");
        }

        text.Append(']');
    }

    private static void Members(StringBuilder text, object value, int depth)
    {
        text.Append('{');
        foreach (var property in value.GetType().GetProperties().Where(property => property.GetIndexParameters().Length == 0))
        {
            text.Append(property.Name).Append('=');
            Append(text, property.GetValue(value), depth + 1);
            text.Append(", ");
        }

        foreach (var field in value.GetType().GetFields(BindingFlags.Public | BindingFlags.Instance))
        {
            text.Append(field.Name).Append('=');
            Append(text, field.GetValue(value), depth + 1);
            text.Append(", ");
        }

        text.Append('}');
    }
}
